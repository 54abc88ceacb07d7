"""Who may see the dashboard: whoever has the token of this machine, or the password of a deployed one."""
