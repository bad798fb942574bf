package io.ktor.server.plugins.partialcontent

import io.ktor.http.Headers
import io.ktor.http.HttpHeaders
import io.ktor.http.content.OutgoingContent.ReadChannelContent
import io.ktor.http.headersOf
import io.ktor.util.AttributeKey
import io.ktor.utils.io.ByteReadChannel

/**
 * A double of what Ktor's plugin for ranges makes of a content, with the same names. The plugin itself is not to be had from Maven
 * Central for these versions.
 */
internal sealed class PartialOutgoingContent(val original: ReadChannelContent) : ReadChannelContent() {

    override fun <T : Any> getProperty(key: AttributeKey<T>): T? = original.getProperty(key)

    override fun <T : Any> setProperty(key: AttributeKey<T>, value: T?) = original.setProperty(key, value)

    /** No range is asked for. */
    class Bypass(original: ReadChannelContent) : PartialOutgoingContent(original) {
        override val contentLength: Long? get() = original.contentLength

        override fun readFrom(): ByteReadChannel = original.readFrom()
    }

    /** One range. */
    class Single(original: ReadChannelContent, private val range: LongRange) : PartialOutgoingContent(original) {
        override val contentLength: Long get() = range.last - range.first + 1

        override val headers: Headers
            get() = headersOf(HttpHeaders.ContentRange, "bytes ${range.first}-${range.last}/${original.contentLength}")

        override fun readFrom(): ByteReadChannel = original.readFrom(range)
    }
}
