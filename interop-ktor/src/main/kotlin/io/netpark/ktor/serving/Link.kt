package io.netpark.ktor.serving

import io.netpark.core.loop.EventLoop
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reader
import io.netpark.coroutines.Writer
import io.netpark.http.BodyLimits
import io.netpark.http.RequestBody
import io.netpark.http.RequestHead
import kotlinx.coroutines.CoroutineScope

/** A connection, and what reads requests from it. The calls of the connection share it. */
internal class Link(
    val connection: Connection,
    val settings: Settings,
    val scope: CoroutineScope,
    scheme: String,
) {
    val loop: EventLoop = connection.dispatcher.loop
    val reader: Reader = connection.reader
    val writer: Writer = connection.writer
    private val fields = HeadFields()

    /** An answer was left in the writer, as another was about to follow it. Only the loop looks at this. */
    var isUnflushed: Boolean = false

    val head: RequestHead = RequestHead(settings.headLimits, fields, anyMethod = true, overTls = scheme == "https")

    val points: RequestPoints = RequestPoints(head, fields, Origin(connection, scheme))

    /** Ktor's engines take quoted line ends. A body that has one is the last that its connection brings. */
    val body: RequestBody = RequestBody(connection, BodyLimits(settings.maxBodySize, settings.bodyTimeout, quotedLineEnds = true))
}
