"""Headers of the API's answers, whether its function or API Gateway itself gives them."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing is stored, framed, sniffed or sent over plain HTTP unless a route says otherwise."""

GATEWAY_HEADERS = {name: value for name, value in SECURITY_HEADERS.items() if "'" not in value}
"""Those that API Gateway can add to its own answers: it quotes a value by `'`, and has no escape for one inside."""
