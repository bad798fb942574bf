package io.netpark.samples.http

import io.kotest.matchers.collections.shouldBeEmpty
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import java.io.InputStream
import java.net.InetAddress
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.io.path.listDirectoryEntries
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

/** The http sample, listening. */
class RunningHttp(vararg options: String) : AutoCloseable {

    val program = RunningProgram("io.netpark.samples.http.HttpKt", "--port", "0", *options)
    private val firstLine = program.line()
    val port: Int = firstLine?.substringAfterLast(':')?.toIntOrNull()
        ?: error("it says $firstLine, and ${program.errorLines()}")

    private val scheme = if ("--tls" in options) "https" else "http"

    fun url(path: String): String = "$scheme://127.0.0.1:$port$path"

    /** A plain blocking client. */
    fun dial(): Socket = Socket(InetAddress.getLoopbackAddress(), port).apply {
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
        tcpNoDelay = true
    }

    /** What a request with an empty body is answered. */
    fun ask(path: String, vararg fields: String, method: String = "GET"): Received = dial().use { client ->
        client.send("$method $path HTTP/1.1\r\nHost: x\r\n" + fields.joinToString("") { "$it\r\n" } + "\r\n")
        client.getInputStream().receive(method == "HEAD")!!
    }

    fun openDescriptors(): Int = Path.of("/proc/${program.pid}/fd").listDirectoryEntries().size

    /** Asks for something often and leaves after at most so many bytes, with or without a reset; nothing of that must be left. */
    fun leaveInTheMidst(request: String, most: Int) {
        ask("/")
        Thread.sleep(100) // until that connection is gone
        val before = openDescriptors()
        repeat(30) {
            dial().use { client ->
                client.setSoLinger(it % 2 == 0, 0)
                client.send(request)
                client.getInputStream().readNBytes(Random.nextInt(1, most))
            }
        }
        awaitDescriptors(before)
        program.errorLines().shouldBeEmpty()
    }

    /** Until connections that have ended are closed on the other side too, and no more than so many descriptors are open. */
    fun awaitDescriptors(expected: Int) {
        val end = System.nanoTime() + PATIENCE_SECONDS.seconds.inWholeNanoseconds
        while (openDescriptors() > expected) {
            check(System.nanoTime() < end) { "${openDescriptors()} descriptors are open, and $expected were" }
            Thread.sleep(10)
        }
    }

    /** Runs curl and returns its standard output; fails if it fails. */
    fun curl(path: String, vararg options: String): ByteArray {
        val errors = Files.createTempFile("curl", ".err")
        try {
            val curl = ProcessBuilder(listOf("curl", "-sS", "--max-time", "$PATIENCE_SECONDS", *options, url(path)))
                .redirectError(errors.toFile()).start()
            val output = curl.inputStream.readAllBytes()
            check(curl.waitFor() == 0) { "curl $path: ${Files.readString(errors)}" }
            return output
        } finally {
            Files.delete(errors)
        }
    }

    /** The status that curl gets. */
    fun curlStatus(path: String, vararg options: String): Int =
        curl(path, "-o", "/dev/null", "-w", "%{http_code}", *options).decodeToString().toInt()

    override fun close(): Unit = program.close()
}

/** An answer as it came. */
class Received(val status: Int, val fields: Map<String, String>, val body: ByteArray) {
    val text: String get() = body.decodeToString()
}

/** Reads an answer, by its Content-Length; null at the end of the stream. */
fun InputStream.receive(isHead: Boolean = false): Received? {
    val statusLine = line() ?: return null
    check(statusLine.startsWith("HTTP/1.1 ")) { statusLine }
    val fields = generateSequence { line()!!.ifEmpty { null } }
        .associate { it.substringBefore(": ").lowercase() to it.substringAfter(": ") }
    val length = if (isHead) 0 else fields["content-length"]?.toInt() ?: 0
    return Received(statusLine.split(' ')[1].toInt(), fields, readNBytes(length))
}

private fun InputStream.line(): String? {
    val line = StringBuilder()
    while (true) {
        val byte = read()
        if (byte < 0) return if (line.isEmpty()) null else error("the stream ends in a line: $line")
        line.append(byte.toChar())
        if (line.endsWith("\r\n")) return line.dropLast(2).toString()
    }
}

fun Socket.send(text: String): Unit = getOutputStream().write(text.toByteArray(Charsets.ISO_8859_1))
