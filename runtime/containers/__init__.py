"""What runs pods: real containers by crun (oci/), over the CRI, plain processes, and simulated ones."""
