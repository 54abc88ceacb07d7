// Where this page sends its clicks: the ingest app of `make run`. Publishing the site writes this file anew.
window.CLICKLAKE = { endpoint: 'http://127.0.0.1:5050/clicks' };
