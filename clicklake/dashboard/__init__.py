"""The dashboard: a Flask app over the saved questions of `query` and the charts of `report`."""
