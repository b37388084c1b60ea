"""Files that people have, read and checked row by row, and written as jobs that can be undone."""
