"""Headers of the API's answers, sent by its function or by API Gateway itself."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Forbid storing, framing, sniffing and plain HTTP, unless a route says otherwise."""

GATEWAY_HEADERS = {name: value for name, value in SECURITY_HEADERS.items() if "'" not in value}
"""Headers that API Gateway can add to its own answers: it quotes a value with `'` and cannot escape one inside."""
