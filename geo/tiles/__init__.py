"""Vector tiles: any collection's features in squares of the web's own map projection, as bytes from the database."""
