package io.netpark.samples.http

import java.time.DateTimeException
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.util.Locale

/** Times as HTTP writes them: `Sat, 21 Nov 2026 14:03:02 GMT` (RFC 9110, 5.6.7). */
internal object HttpDate {

    // Not RFC_1123_DATE_TIME, whose days may have one digit.
    private val FORMAT = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH).withZone(ZoneOffset.UTC)

    fun text(epochSecond: Long): String = FORMAT.format(Instant.ofEpochSecond(epochSecond))

    /** Seconds since the epoch, or null for what is no such time. */
    fun parse(text: String): Long? = try {
        Instant.from(FORMAT.parse(text)).epochSecond
    } catch (_: DateTimeException) {
        null
    }
}

/** The fields that every answer begins with. Made once a second; any thread may ask. */
internal class CommonFields {

    private class Second(val number: Long) {
        val bytes = "Server: netpark\r\nDate: ${HttpDate.text(number)}\r\n".encodeToByteArray()
    }

    @Volatile private var second = Second(0)

    fun bytes(): ByteArray {
        val now = System.currentTimeMillis() / 1000
        val last = second
        return if (last.number == now) last.bytes else Second(now).also { second = it }.bytes
    }
}
