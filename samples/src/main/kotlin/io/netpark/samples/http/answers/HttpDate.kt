package io.netpark.samples.http.answers

import java.time.DateTimeException
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.time.format.DateTimeFormatterBuilder
import java.time.temporal.ChronoField
import java.util.Locale

/** Times as HTTP writes them: `Sat, 21 Nov 2026 14:03:02 GMT` (RFC 9110, 5.6.7). */
internal object HttpDate {

    // Not RFC_1123_DATE_TIME, whose days may have one digit.
    private val FORMAT = format("EEE, dd MMM yyyy HH:mm:ss 'GMT'")

    /** Who reads times must understand two that nobody should write any more: of RFC 850, and of C's asctime. */
    private val OBSOLETE = listOf("EEEE, dd-MMM-", "EEE MMM ppd HH:mm:ss yyyy").let { (rfc850, asctime) ->
        val twoDigits = DateTimeFormatterBuilder().appendPattern(rfc850)
            .appendValueReduced(ChronoField.YEAR, 2, 2, LocalDate.now().minusYears(49)) // more than 50 years ahead is past
            .appendPattern(" HH:mm:ss 'GMT'").toFormatter(Locale.ENGLISH).withZone(ZoneOffset.UTC)
        listOf(twoDigits, format(asctime))
    }

    private fun format(pattern: String) = DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).withZone(ZoneOffset.UTC)

    fun text(epochSecond: Long): String = FORMAT.format(Instant.ofEpochSecond(epochSecond))

    /** Seconds since the epoch, or null for what is no such time. */
    fun parse(text: String?): Long? {
        if (text == null) return null
        return parse(text, FORMAT) ?: OBSOLETE.firstNotNullOfOrNull { parse(text, it) }
    }

    private fun parse(text: String, format: DateTimeFormatter): Long? = try {
        Instant.from(format.parse(text)).epochSecond
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
