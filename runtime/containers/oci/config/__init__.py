"""What crun is given for a container: config.json, whose process it is, and which system calls it may make."""
