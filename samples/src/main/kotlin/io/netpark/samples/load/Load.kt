package io.netpark.samples.load

import com.sun.management.UnixOperatingSystemMXBean
import io.netpark.samples.ClientTlsOptions
import io.netpark.samples.EventLoops
import io.netpark.samples.Signals
import io.netpark.samples.demand
import io.netpark.samples.run
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.lang.management.ManagementFactory
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds

/** Load for an echo server of any kind. */
@Command(
    name = "samples/run load",
    sortOptions = false,
    description = [
        "Loads an echo server and checks every byte that comes back.",
        "Without --rate each connection sends the next request when an answer has come (closed loop): that finds the most " +
            "that a server can do, and makes a stall look shorter than it is. With --rate requests are due at fixed instants, " +
            "whatever the answers do, and each one's latency counts from there.",
        "The exit status is 0 if every request that was sent has been answered, and rightly; otherwise 1.",
    ],
)
private class Load : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Mixin
    private val loops = EventLoops()

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(
        names = ["--target"], required = true, paramLabel = "HOST:PORT", converter = [Target.Converter::class],
        description = ["The server; an IPv6 address in brackets: [::1]:7000."],
    )
    private lateinit var target: Target

    @Option(names = ["--connections"], paramLabel = "N", description = ["How many connections (default: 100)."])
    private var connections = 100

    @Option(names = ["--size"], paramLabel = "B", description = ["Bytes a request (default: 1024)."])
    private var size = 1024

    @Option(
        names = ["--rate"], paramLabel = "R",
        description = ["Requests a second over all connections (default: as many as the answers let through)."],
    )
    private var rate: Double? = null

    @Option(names = ["--seconds"], paramLabel = "S", description = ["How long (default: 10). Ctrl-C ends it before."])
    private var seconds = 10.0

    @Option(
        names = ["--pipeline"], paramLabel = "K",
        description = ["How many requests may be in flight on a connection (default: 1)."],
    )
    private var pipeline = 1

    @Mixin
    private val tls = ClientTlsOptions()

    private val ended = CountDownLatch(1)
    @Volatile private var status = 1

    override fun call(): Int {
        spec.demand(connections >= 1) { "--connections must be at least 1, not $connections" }
        spec.demand(size in 1..MOST_BYTES) { "--size must be 1 to $MOST_BYTES bytes, not $size" }
        spec.demand(rate.let { it == null || it > 0 && it <= MOST_RATE }) {
            "--rate must be more than 0 and at most ${MOST_RATE.toInt()} requests a second, not $rate"
        }
        spec.demand(seconds > 0 && seconds <= MOST_SECONDS) {
            "--seconds must be more than 0 and at most ${MOST_SECONDS.toInt()}, not $seconds"
        }
        spec.demand(pipeline in 1..MOST_IN_FLIGHT) { "--pipeline must be 1 to $MOST_IN_FLIGHT, not $pipeline" }
        demandDescriptors()

        val load = LoadRun(LoadOptions(target, connections, size, rate, seconds.seconds, pipeline, loops.count, loops.binding, tls.make()))
        stopAtSignal(load)
        try {
            val result = load.execute()
            result.table().forEach(::println)
            load.errors().forEach { (kind, first) -> System.err.println("${spec.name()}: $kind; the first: $first") }
            status = if (result.isClean) 0 else 1
            return status
        } finally {
            ended.countDown()
        }
    }

    private fun demandDescriptors() {
        val system = ManagementFactory.getOperatingSystemMXBean() as? UnixOperatingSystemMXBean ?: return
        val free = system.maxFileDescriptorCount - system.openFileDescriptorCount - SPARE_DESCRIPTORS
        spec.demand(connections <= free) {
            "--connections $connections: this process may have $free more descriptors, and each takes one; raise the limit " +
                "(ulimit -n; samples/run doctor says where) or ask for fewer"
        }
    }

    /** Ctrl-C ends the load, and its result is printed: by the thread that executes it, which then exits with its status. */
    private fun stopAtSignal(load: LoadRun) = Signals.endBy {
        if (!load.stop()) return@endBy STOPPED
        ended.await()
        status
    }

    private companion object {
        /** Of a program that SIGINT has ended. */
        const val STOPPED = 130
        const val MOST_BYTES = 16 * 1024 * 1024
        const val MOST_RATE = 10_000_000.0
        const val MOST_SECONDS = 86_400.0
        const val MOST_IN_FLIGHT = 1024
        /** For event loops, and what the JVM opens at times. */
        const val SPARE_DESCRIPTORS = 32
    }
}

fun main(arguments: Array<String>): Unit = exitProcess(run(Load(), arguments))
