"""How it looks: Folium pages as shells, lists and cards as autoescaped Jinja. Knows no HTTP."""
