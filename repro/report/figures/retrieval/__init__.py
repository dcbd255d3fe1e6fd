"""The user's pictures with their neighbours (section 6.1, Figure 4)."""
