package io.netpark.samples.chat

import io.netpark.samples.Certificates
import io.netpark.samples.RunningProgram
import java.nio.file.Files
import java.nio.file.Path

const val CHAT: String = "io.netpark.samples.chat.ChatKt"

/** For tests that talk more than people do. */
val TALKATIVE: Array<String> = arrayOf("--rate", "1000000", "--burst", "1000000")

/** The chat sample, listening; with its callback echo as well. */
class RunningChat private constructor(val program: RunningProgram) : AutoCloseable by program {

    val port: Int = portOf(program.line())
    val echoPort: Int by lazy { portOf(program.line()) }

    constructor(vararg options: String, port: Int = 0, jvmOptions: List<String> = emptyList()) :
        this(RunningProgram(CHAT, "--port", "$port", "--echo-port", "0", *options, jvmOptions = jvmOptions)) {
        echoPort
    }

    companion object {
        /** Over TLS, which the callback echo does not know. */
        fun overTls(vararg options: String, port: Int = 0) =
            RunningChat(RunningProgram(CHAT, "--port", "$port", *Certificates.options, *options))
    }

    private fun portOf(line: String?): Int = line?.let { Regex(""":(\d+)/""").find(it) }?.run { groupValues[1].toInt() }
        ?: error("it says $line, and ${program.errorLines()}")

    /** Everywhere that a WebSocket can be opened. */
    fun endpoints(): Map<String, Pair<Int, String>> = mapOf(
        "the chat" to (port to "/chat"),
        "the echo with coroutines" to (port to "/echo"),
        "the echo with callbacks" to (echoPort to "/echo"),
    )

    /** The JVM has files open besides, now and then. */
    fun openSockets(): Int = Files.list(Path.of("/proc/${program.pid}/fd")).use { all ->
        all.filter { runCatching { "${Files.readSymbolicLink(it)}".startsWith("socket:") }.getOrDefault(false) }.count().toInt()
    }
}
