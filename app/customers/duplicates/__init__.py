"""Who is in here twice? Warned of before saving, looked for by the worker, and made one by people."""
