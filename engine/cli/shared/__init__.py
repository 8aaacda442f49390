"""What commands share and is no command: where a log is read from, options, colours, bars."""
