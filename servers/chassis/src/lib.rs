//! What every server shares: TLS, HTTP listener, limits, graceful stop
