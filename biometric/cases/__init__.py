"""Cases of an examiner: one folder each, whose record is signed, and which anybody can check and repeat."""
