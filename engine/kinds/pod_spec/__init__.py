"""PodSpec: defaults, checks and warnings that pods and all templates of pods share."""
