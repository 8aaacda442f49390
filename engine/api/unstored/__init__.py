"""Resources that are answered and never stored: reviews of rights and identities, what pods and nodes use."""
