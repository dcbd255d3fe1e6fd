"""First-layer kernels and how towers divide them (section 6.1, Figure 3)."""
