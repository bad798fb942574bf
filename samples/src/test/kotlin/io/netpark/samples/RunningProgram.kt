package io.netpark.samples

import java.io.InputStream
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.io.path.readLines

/** How long everything that is expected to happen may take on a busy machine. */
const val PATIENCE_SECONDS = 30L

/**
 * A program of the samples in a JVM of its own, with the flags of samples/run. Killed when it is closed.
 *
 * @param prefix a program that runs another in place of itself, with its arguments
 * @param state where it keeps the certificate that it makes itself
 */
class RunningProgram(
    main: String,
    vararg arguments: String,
    jvmOptions: List<String> = emptyList(),
    nativeAccess: Boolean = true,
    prefix: List<String> = emptyList(),
    state: Path = Path.of("target", "state").toAbsolutePath(),
) : AutoCloseable {

    private val errors: Path = Files.createTempFile("sample", ".err")

    // With SIGINT as a terminal would leave it: a shell's background job, and all below it, would ignore it.
    val process: Process = ProcessBuilder(
        prefix + listOf("env", "--default-signal=INT") + command(main, *arguments, jvmOptions = jvmOptions, nativeAccess = nativeAccess),
    ).redirectError(errors.toFile()).apply { environment()["XDG_STATE_HOME"] = "$state" }.start()

    private val output = process.inputStream.bufferedReader()

    val pid: Long get() = process.pid()

    /** The next line of standard output, or null at its end. */
    fun line(): String? = output.readLine()

    /** Whatever standard output has left. */
    fun rest(): String = output.readText()

    /** What has come to standard error so far. */
    fun errorLines(): List<String> = errors.readLines()

    fun signal(name: String) {
        check(ProcessBuilder("kill", "-$name", "$pid").start().waitFor() == 0) { "kill -$name $pid failed" }
    }

    /** Waits for the end, and returns the exit status. */
    fun status(): Int {
        check(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "still running after $PATIENCE_SECONDS s" }
        return process.exitValue()
    }

    /** User and system time so far, in clock ticks of 10 ms. */
    fun cpuTicks(): Long {
        // proc(5): the name, field 2, can contain blanks; utime and stime are fields 14 and 15.
        val fields = Files.readString(Path.of("/proc/$pid/stat")).substringAfterLast(") ").split(' ')
        return fields[11].toLong() + fields[12].toLong()
    }

    /** Until it has used less than 50 ms of a second: a compiler that has a queue comes to its end, a loop that spins does not. */
    fun awaitIdle() = soon {
        val before = cpuTicks()
        Thread.sleep(1000)
        val used = cpuTicks() - before
        check(used < 5) { "${used * 10} ms of processor time in a second of idleness" }
    }

    /** Resident memory. */
    fun rssKiB(): Long = Files.readAllLines(Path.of("/proc/$pid/status"))
        .first { it.startsWith("VmRSS:") }.filter(Char::isDigit).toLong()

    override fun close() {
        process.destroyForcibly().waitFor()
        Files.delete(errors)
    }

    companion object {
        /** The command line of a program. */
        fun command(
            main: String,
            vararg arguments: String,
            jvmOptions: List<String> = emptyList(),
            nativeAccess: Boolean = true,
        ): List<String> = listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) + flags(nativeAccess) +
            jvmOptions + listOf("-cp", System.getProperty("java.class.path"), main) + arguments

        private fun flags(nativeAccess: Boolean): List<String> {
            val jdk = Runtime.version().feature()
            return listOfNotNull(
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", // they start faster
                "--enable-native-access=ALL-UNNAMED".takeIf { nativeAccess && jdk >= 22 },
            )
        }
    }
}

/** The echo sample, listening. */
class RunningEcho private constructor(val program: RunningProgram) : AutoCloseable by program {

    val firstLine: String? = program.line()
    val port: Int = firstLine?.substringAfterLast(':')?.toIntOrNull()
        ?: error("it says $firstLine, and ${program.errorLines()}")

    constructor(vararg options: String) : this(RunningProgram(ECHO, "--port", "0", *options))

    /** A plain blocking client. */
    fun dial(): Socket = Socket(InetAddress.getLoopbackAddress(), port).apply {
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
        tcpNoDelay = true
    }

    /** A client that never reads, and never waits. */
    fun dialWithoutReading(): SocketChannel =
        SocketChannel.open(InetSocketAddress(InetAddress.getLoopbackAddress(), port)).apply { configureBlocking(false) }
}

const val ECHO = "io.netpark.samples.echo.EchoKt"
const val LOAD = "io.netpark.samples.load.LoadKt"
const val CONNECT = "io.netpark.samples.connect.ConnectKt"
const val PROXY = "io.netpark.samples.proxy.ProxyKt"
const val DEMO = "io.netpark.samples.demo.DemoKt"
const val DOCTOR = "io.netpark.samples.doctor.DoctorKt"

/** Runs [block] on another thread meanwhile, and waits for it. */
fun <T> whileDoing(block: () -> Unit, foreground: () -> T): T {
    var failure: Throwable? = null
    val other = thread { runCatching(block).onFailure { failure = it } }
    val result = foreground()
    other.join()
    failure?.let { throw it }
    return result
}

/** Sends a message and reads its echo. */
fun Socket.exchange(message: ByteArray): ByteArray {
    getOutputStream().write(message)
    return getInputStream().readNBytes(message.size)
}

/** Whether the stream ends here. */
fun InputStream.isAtEnd(): Boolean = read() == -1
