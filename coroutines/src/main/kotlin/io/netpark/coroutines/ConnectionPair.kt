package io.netpark.coroutines

/** Two connections, each of which is the other's peer. Closing it closes both. */
public class ConnectionPair internal constructor(
    /** One end. */
    public val first: Connection,
    /** The other end. */
    public val second: Connection,
) : AutoCloseable {

    /** [first]. */
    public operator fun component1(): Connection = first

    /** [second]. */
    public operator fun component2(): Connection = second

    override fun close() {
        try {
            first.close()
        } finally {
            second.close()
        }
    }

    override fun toString(): String = "$first and $second"
}
