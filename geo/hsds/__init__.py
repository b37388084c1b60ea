"""Our records as the Human Services Data Specification (HSDS 3.0) tells them, for everybody alike.

What stands here is computed for a visitor, whoever asks: a partner's copy never holds more than the public map does.
"""
