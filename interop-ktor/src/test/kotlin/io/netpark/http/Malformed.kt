package io.netpark.http

private fun get(fields: String) = "GET / HTTP/1.1\r\n$fields\r\n"

private fun target(target: String) = "GET $target HTTP/1.1\r\nHost: x\r\n\r\n"

/** What must not be understood, and what it is answered with. */
val MALFORMED: List<Pair<String, Int>> = listOf(
    // The request line
    "GET\r\n\r\n" to 400, "GET /\r\n\r\n" to 400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET  / HTTP/1.1\r\nHost: x\r\n\r\n" to 400, "GET /  HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/1.1 \r\nHost: x\r\n\r\n" to 400, "GET /\tHTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/1.1\nHost: x\n\n" to 400, "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "G(T / HTTP/1.1\r\nHost: x\r\n\r\n" to 400, "\u0016\u0003\u0001\u0002\n" to 400, "\r\n\r\n\r\n" to 400,
    "GET / http/1.1\r\nHost: x\r\n\r\n" to 400, "GET / HTTP/1,1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/11\r\nHost: x\r\n\r\n" to 400, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" to 505,
    "PRI * HTTP/2.0\r\n\r\n" to 505, "GET / HTTP/0.9\r\n\r\n" to 505,
    "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" to 501, "get / HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    "CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    // Targets
    target("*") to 400, target("a") to 400, target("https://h/") to 400, target("http://a@b/") to 400,
    target("http://u:p@b/") to 400, target("//h#x") to 400,
    target("http://h/#") to 400, target("/a?b#c") to 400, target("http://h\\x/") to 400, target("http://h#/") to 400,
    target("http:///x") to 400, target("http://") to 400, target("http://?x") to 400,
    target("/a#b") to 400, target("/\u00e9") to 400, target("/%") to 400, target("/%4") to 400, target("/%g0") to 400,
    target("/%00") to 400, target("/%0a") to 400, target("/%2f") to 400, target("/%5c") to 400, target("/\\") to 400,
    target("/..") to 400, target("/a/../b") to 400, target("/%2e%2E/b") to 400, target("/.") to 400, target("/a/%2e") to 400,
    target("/%ff") to 400, target("/%c0%ae") to 400,
    // Fields
    get("Host : x\r\n") to 400, get("Host: x\r\n folded\r\n") to 400, get("Host: x\r\n\tfolded\r\n") to 400,
    get(" Host: x\r\n") to 400, get("Host: x\nA: b\r\n") to 400, get("Host: x\r\nA: b\rc\r\n") to 400,
    get("Host: x\r\nA: b\u0000\r\n") to 400, get("Host: x\r\nA: \u007f\r\n") to 400, get("Host: x\r\n: b\r\n") to 400,
    get("Host: x\r\nno colon\r\n") to 400, get("Host: x\r\nA b: c\r\n") to 400, get("Host: x\r\nA\u00e9: c\r\n") to 400,
    get("") to 400, get("Host: x\r\nHost: x\r\n") to 400, get("Host: a b\r\n") to 400, get("Host: a/b\r\n") to 400,
    get("Host: x\r\nExpect: tea\r\n") to 417,
    get("Host: x\r\nHOST: y\r\n") to 400, get("Host: x, y\r\nHost:\r\n") to 400, get("Host: x@y\r\n") to 400,
    get("Host: x\\y\r\n") to 400, get("Host: \u00e9\r\n") to 400, get("Host: x#\r\n") to 400, get("Host: x?\r\n") to 400,
    get("Host: x\r\n\r\r\n") to 400, get("Host: x\r\nA: b\r\r\n") to 400, get("Host: x\r\nA\u0000: b\r\n") to 400,
    get("Host: x\r\nA: b\u001b\r\n") to 400, get("Host: x\r\nA\t: b\r\n") to 400, get("Host: x\r\nExpect: \r\n") to 417,
    get("Host: x\r\nExpect: 100-continue, tea\r\n") to 417,
    // Where the body ends
    get("Host: x\r\nContent-Length: +5\r\n") to 400, get("Host: x\r\nContent-Length: 5 5\r\n") to 400,
    get("Host: x\r\nContent-Length: 5,\r\n") to 400, get("Host: x\r\nContent-Length: 5\u00a0\r\n") to 400,
    get("Host: x\r\nContent-Length: 5.0\r\n") to 400, get("Host: x\r\nContent-Length: 5e0\r\n") to 400,
    get("Host: x\r\nContent-Length: \u00b2\r\n") to 400, get("Host: x\r\nContent-Length : 5\r\n") to 400,
    get("Host: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n") to 400,
    get("Host: x\r\nContent-Length: 5\r\n Content-Length: 6\r\n") to 400,
    get("Host: x\r\nContent-Length: 99999999999999999999\r\n") to 413,
    get("Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: chunked, chunked\r\n") to 501, get("Host: x\r\nTransfer-Encoding: chunked,\r\n") to 501,
    get("Host: x\r\nTransfer-Encoding: \r\n") to 501, get("Host: x\r\nTransfer-Encoding: \"chunked\"\r\n") to 501,
    get("Host: x\r\nTransfer-Encoding: chunked;q=1\r\n") to 501, get("Host: x\r\nTransfer-Encoding:\r\n chunked\r\n") to 501,
    get("Host: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n") to 501,
    get("Host: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n") to 400, get("Host: x\r\nContent-Length: 1, 1\r\n") to 400,
    get("Host: x\r\nContent-Length: -1\r\n") to 400, get("Host: x\r\nContent-Length: +1\r\n") to 400,
    get("Host: x\r\nContent-Length: 0x1\r\n") to 400, get("Host: x\r\nContent-Length: \r\n") to 400,
    get("Host: x\r\nContent-Length: 1 1\r\n") to 400,
    get("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: gzip, chunked\r\n") to 501, get("Host: x\r\nTransfer-Encoding: identity\r\n") to 501,
    get("Host: x\r\nTransfer-Encoding: xchunked\r\n") to 501, get("Host: x\r\nTransfer-Encoding: \u000bchunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding : chunked\r\n") to 400, get("Host: x\r\nTransfer-Encoding: chunked, identity\r\n") to 501,
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" to 400,
)
