package io.netpark.samples.redis

import io.netpark.samples.HeldPort
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import io.netpark.samples.soon
import java.net.InetAddress
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit

internal const val REDIS = "io.netpark.samples.redis.RedisKt"

/** The redis sample, listening. */
internal class RunningRedis private constructor(val program: RunningProgram) : AutoCloseable by program {

    val port: Int = program.line()?.substringAfterLast(':')?.toIntOrNull() ?: error("it says ${program.errorLines()}")

    constructor(vararg options: String) : this(RunningProgram(REDIS, "--port", "0", *options))

    fun dial() = Client(port)

    /** How many descriptors its process has open. */
    fun descriptors(): Int = Path.of("/proc/${program.pid}/fd").toFile().list()!!.size
}

/** Debian's redis-server, which says what is right. */
internal class GenuineRedis : AutoCloseable {

    private val folder: Path = Files.createTempDirectory("genuine-redis")
    private val held = HeldPort()
    val port: Int = held.port
    private val process: Process = ProcessBuilder(
        "redis-server", "--port", "$port", "--bind", "127.0.0.1", "--dir", "$folder", "--save", "", "--daemonize", "no",
    ).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start()

    init {
        soon { Socket(InetAddress.getLoopbackAddress(), port).close() }
    }

    override fun close() {
        process.destroyForcibly().waitFor()
        held.close()
        folder.toFile().deleteRecursively()
    }
}

/** A plain blocking client that knows bytes only. */
internal class Client(port: Int) : AutoCloseable {

    val socket = Socket(InetAddress.getLoopbackAddress(), port).apply {
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
        tcpNoDelay = true
    }
    private val input = socket.getInputStream().buffered()

    fun send(bytes: ByteArray) = socket.getOutputStream().write(bytes)

    fun send(text: String) = send(text.toByteArray(Charsets.ISO_8859_1))

    fun receive(count: Int): ByteArray = input.readNBytes(count)

    /** Sends it and demands this answer. */
    fun exchange(request: String, answer: String) {
        send(request)
        val got = receive(answer.length).toString(Charsets.ISO_8859_1)
        check(got == answer) { "to $request it said $got, not $answer" }
    }

    /** Sends it and returns the line that it answers. */
    fun ask(command: String): String {
        send("$command\r\n")
        return generateSequence { input.read().toChar() }.takeWhile { it != '\n' }.joinToString("").trimEnd()
    }

    /** Whatever comes until the end of the stream. */
    fun rest(): ByteArray = input.readAllBytes()

    override fun close() = socket.close()
}

/** A request as clients write it. */
internal fun request(vararg words: ByteArray): ByteArray {
    val bytes = java.io.ByteArrayOutputStream()
    bytes.writeBytes("*${words.size}\r\n".encodeToByteArray())
    for (word in words) {
        bytes.writeBytes("$${word.size}\r\n".encodeToByteArray())
        bytes.writeBytes(word)
        bytes.writeBytes("\r\n".encodeToByteArray())
    }
    return bytes.toByteArray()
}

internal fun request(vararg words: String): ByteArray = request(*words.map { it.encodeToByteArray() }.toTypedArray())
