"""The forms of claims: from what was read to a finding."""
