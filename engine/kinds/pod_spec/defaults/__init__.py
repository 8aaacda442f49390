"""What a PodSpec means where it says nothing."""
