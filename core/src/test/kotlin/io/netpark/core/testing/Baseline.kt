package io.netpark.core.testing

import java.io.IOException
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.name
import kotlin.time.Duration.Companion.seconds

private val KERNEL_OBJECTS = listOf("socket:", "pipe:", "anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:[timerfd]")

/** What is behind each open descriptor that a test could leak. Jars and files that the JVM opens are not among them. */
fun openDescriptorTargets(): List<String> =
    Files.list(Path.of("/proc/self/fd")).use { entries ->
        entries.toList().mapNotNull { entry ->
            try {
                "${entry.name} ${Files.readSymbolicLink(entry)}"
            } catch (_: IOException) {
                null // closed since it was listed, such as the descriptor of the listing itself
            }
        }.filter { target -> KERNEL_OBJECTS.any { it in target } }
    }

/** How many sockets, pipes, eventfds, timerfds and epoll instances are open in this process. */
fun openDescriptors(): Int = openDescriptorTargets().size

/** The threads that Netpark started, by name. Those that run the tasks of TLS engines are the JVM's: all share them, they end by themselves. */
fun netparkThreads(): List<String> =
    Thread.getAllStackTraces().keys.map { it.name to it.isAlive }
        .filter { (name, isAlive) -> isAlive && name.startsWith("netpark") && !name.startsWith("netpark-tls-") }.map { it.first }.sorted()

/** The descriptors and threads at one moment, to be compared with those of a later one. */
class Baseline private constructor(private val descriptors: Set<String>, private val threads: List<String>) {

    /** Waits until nothing that was opened since this baseline is open, and no more threads run than then. */
    fun shouldBeRestored() {
        eventually(10.seconds) {
            val leaked = openDescriptorTargets() - descriptors
            check(leaked.isEmpty()) { "leaked descriptors: $leaked" }
            val running = netparkThreads()
            check(running.size <= threads.size) { "leaked threads: $running, before: $threads" }
        }
    }

    companion object {
        init {
            // The JDK keeps a socket of its own from the first use of its channels on.
            SocketChannel.open().close()
            Files.newByteChannel(Path.of("/proc/self/comm")).close()
        }

        fun now() = Baseline(openDescriptorTargets().toSet(), netparkThreads())
    }
}

/** Runs [block] and checks that every descriptor and thread of it is gone afterwards. */
inline fun <T> shouldReturnToBaseline(block: () -> T): T {
    val baseline = Baseline.now()
    val result = block()
    baseline.shouldBeRestored()
    return result
}
