package io.netpark.http

/**
 * How much of what a head may have. Lines are counted with their CRLF.
 *
 * The lines of a head stay in the connection's memory until the reader is released. So [line] and [head] together must be within
 * [Buffering.inputLimit][io.netpark.coroutines.Buffering.inputLimit].
 *
 * @property line the most bytes of the request line; a longer one is refused with 414
 * @property head the most bytes of all fields together, with the empty line behind them; more are refused with 431
 * @property fields the most fields; more are refused with 431
 * @throws IllegalArgumentException a limit has no room for the shortest head
 */
public class HeadLimits @JvmOverloads constructor(
    public val line: Int = 8 * 1024,
    public val head: Int = 16 * 1024,
    public val fields: Int = 100,
) {
    init {
        require(line >= LEAST_LINE) { "no request line has $line bytes" }
        require(head >= LEAST_HEAD) { "the fields of a head have more than $head bytes" }
        require(fields >= 1) { "a head has a field: $fields" }
    }

    private companion object {
        const val LEAST_LINE = "GET / HTTP/1.1\r\n".length
        const val LEAST_HEAD = "Host:\r\n\r\n".length
    }
}
