package io.netpark.http

/** The methods of RFC 9110 and RFC 5789, without CONNECT, which is for proxies. */
public enum class Method(
    /** Whether it asks for nothing but an answer (RFC 9110, 9.2.1). */
    internal val isSafe: Boolean = false,
) {
    GET(isSafe = true), HEAD(isSafe = true), POST, PUT, DELETE, OPTIONS(isSafe = true), PATCH, TRACE(isSafe = true);

    /** The name as it stands in a request line. Methods are case-sensitive. */
    internal val bytes = name.encodeToByteArray()
}
