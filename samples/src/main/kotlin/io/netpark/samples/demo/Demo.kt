package io.netpark.samples.demo

import io.netpark.coroutines.Reactor
import io.netpark.samples.demand
import io.netpark.samples.echo.CallbackEcho
import io.netpark.samples.echo.CoroutineEcho
import io.netpark.samples.echo.EchoOptions
import io.netpark.samples.echo.EchoServer
import io.netpark.samples.run
import kotlinx.coroutines.runBlocking
import picocli.CommandLine.Command
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.lang.management.ManagementFactory
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds

/** Both APIs under the same load, one after the other. */
@Command(
    name = "samples/run demo",
    sortOptions = false,
    description = ["Drives an echo server with coroutines and one with callbacks, each with a single event loop, by " +
        "coroutine clients on another loop. Checks every byte and compares what it costs."],
)
private class Demo : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--connections"], paramLabel = "N", description = ["How many clients there are (default: 100)."])
    private var connections = 100

    @Option(names = ["--seconds"], paramLabel = "S", description = ["How long each server is measured (default: 5)."])
    private var seconds = 5

    private val progress = Progress()

    override fun call(): Int {
        spec.demand(connections >= 1) { "--connections must be at least 1, not $connections" }
        spec.demand(seconds >= 1) { "--seconds must be at least 1, not $seconds" }
        println("$connections connections, ${EchoClient.MESSAGE_SIZE} bytes a request; each client waits for its answer")
        val columns = Reactor(loops = 1).use { clients ->
            Subject("coroutine", ::CoroutineEcho).use { first ->
                Subject("callback", ::CallbackEcho).use { second ->
                    runBlocking {
                        // Both run warm before one is measured: they share the clients' code, and its compilation.
                        first.load(clients, WARM_UP_SECONDS, "warming up ${first.api}")
                        second.load(clients, WARM_UP_SECONDS, "warming up ${second.api}")
                        listOf(first, second).map { it.load(clients, seconds, it.api) }
                    }
                }
            }
        }
        progress.clear()
        println()
        columns.table().forEach(::println)
        return 0
    }

    /** A server that is looked at. */
    private inner class Subject(val api: String, start: (EchoOptions) -> EchoServer) : AutoCloseable {

        private val trouble = ConcurrentLinkedQueue<String>()
        private val server = start(
            EchoOptions(
                InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                loops = { it.loops(1).reporter { what, cause -> trouble += "$what ($cause)" } },
            ),
        )

        suspend fun load(clients: Reactor, seconds: Int, phase: String): Measurement {
            progress.begin(phase)
            val load = Load.connect(clients, server.address, connections)
            val cpuBefore = cpuNanos()
            val traffic = load.run(seconds.seconds, progress)
            val cpuNanos = cpuNanos() - cpuBefore
            load.finish()
            trouble.peek()?.let { throw EchoFailure("the $api server reported: $it") }
            return Measurement(api, traffic, cpuNanos, server.group.loops().first().libc().binding())
        }

        /** What its event loops have used so far, in user and kernel mode; each looks at its own clock. */
        private fun cpuNanos(): Long = server.group.loops().sumOf { loop ->
            loop.submit(Callable { ManagementFactory.getThreadMXBean().currentThreadCpuTime }).get()
        }

        override fun close() = server.close()
    }

    private companion object {
        const val WARM_UP_SECONDS = 1
    }
}

fun main(arguments: Array<String>): Unit = exitProcess(run(Demo(), arguments))
