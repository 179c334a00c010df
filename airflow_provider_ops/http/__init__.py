"""One asynchronous HTTP client: settings, transport, rate limiter, retries. The only package that sends."""
