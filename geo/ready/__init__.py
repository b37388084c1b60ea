"""What the public may see, ready to be sent, and which edition of it that is.

The database itself writes a feature's text when a record changes (`migrations/versions/0008_ready.sql`), so that no way
of writing can forget it; a page is then read in one round trip, without an object a row. Each transaction that changes
what the public sees makes an edition: numbered when it is committed, one after the other, so that who has read all up
to a number has missed nothing.
"""
