"""Images: an OCI layout, filled by skopeo, and the layers unpacked from it. Who pulls what, and when, is the kubelet's."""
