"""Filters in CQL2 (OGC 21-065), as text or as JSON: a subset, made into conditions on columns that may be asked about.

The words are read by the library `cql2`; what they mean is said here. Whatever is not in the subset, and every property
that a collection does not offer, is refused by name; nothing is guessed. Values are bound, never written into SQL.
"""
