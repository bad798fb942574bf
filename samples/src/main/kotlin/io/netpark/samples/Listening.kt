package io.netpark.samples

import io.netpark.core.buffer.SegmentPool
import io.netpark.core.jmx.ManagedLoops
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.micrometer.NetparkMeters
import io.netpark.core.sys.AddressText
import io.netpark.core.tls.ServerTls
import io.netpark.samples.admin.AdminAddress
import io.netpark.samples.admin.AdminPages
import io.netpark.samples.admin.AdminServer
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.ParameterException
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.time.Duration
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/**
 * How a sample that listens is told where, on which event loops, whether to encrypt, how long its end may take, and where it can be
 * looked at: a mixin of its command. And how it says where it listens, and ends at a signal.
 */
internal class Listening(loops: EventLoops = EventLoops()) {

    @Spec(Spec.Target.MIXEE)
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--port"], paramLabel = "P", description = ["Where to listen; 0 takes a free port."])
    private var port: Int? = null

    @Option(names = ["--host"], paramLabel = "H", description = ["Where to listen (default: 127.0.0.1)."])
    private var host = "127.0.0.1"

    /** How long clients may go on when the server is closed. */
    @Option(
        names = ["--drain"], paramLabel = "S",
        description = ["How many seconds clients may go on after the signal (default: 5)."],
    )
    var drain: Duration = Duration.ofSeconds(5)
        private set

    @Option(
        names = ["--admin"], paramLabel = "ADDRESS", converter = [AdminAddress::class],
        description = [
            "Show metrics, health, connections and a dump over HTTP at unix:/path, 127.0.0.1:port or [::1]:port (default: nowhere).",
        ],
    )
    private var admin: SocketAddress? = null

    @Mixin
    private val tls = ServerTlsOptions()

    @Mixin
    val loops: EventLoops = loops

    private lateinit var ending: () -> Unit

    /** Where to listen. Ends the program as wrongly used if there is no such port, or none was given. */
    fun address(): InetSocketAddress {
        val given = port ?: throw ParameterException(spec.commandLine(), "Missing required option: '--port=P'")
        return address("--port", given)
    }

    /** The same host with another port, which an option names. */
    fun address(option: String, port: Int): InetSocketAddress {
        spec.demand(port in 0..65535) { "$option must be 0 to 65535, not $port" }
        return InetSocketAddress(host, port) // listen says so if the host is not known
    }

    /** Whether the event loops are to be looked at. */
    val isAdministered: Boolean get() = admin != null

    /** Makes the event loops as they are wanted. */
    fun configure(builder: EventLoopGroup.Builder) {
        loops.configure(builder)
        builder.metrics(isAdministered)
    }

    /** Whether connections are to be encrypted. */
    val isEncrypted: Boolean get() = tls.isWanted

    /** How connections are encrypted; null if they are not. [applicationProtocols] are what clients may ask for (ALPN). Once. */
    fun tls(vararg applicationProtocols: String): ServerTls? = tls.make(host, applicationProtocols.toList())

    /** The same for a server that takes key stores, and encrypts by itself. */
    fun keyStores(): KeyStores? = tls.keyStores(host)

    /**
     * Says that a server listens. It is closed when a signal comes; a second one ends the program at once. A program whose event
     * loops have ended by a failure exits as one that has failed.
     *
     * @param group the server's event loops; null if it has none
     * @param where the address, as people write it
     * @param client how somebody tries it, if it is encrypted
     * @param connections how many are open: what the end waits for; null if nobody knows
     * @return the exit status, of what has gone well so far
     */
    fun begin(
        server: AutoCloseable,
        address: SocketAddress,
        group: EventLoopGroup?,
        where: String = AddressText.of(address),
        client: TlsClient = TlsClient.CONNECT,
        connections: (() -> Int)? = group?.let { { it.loops().sumOf { loop -> loop.descriptors() } } }, // all else has ended then
    ): Int {
        val adminServer = group?.let(::administer)
        if (group != null) {
            thread(name = "loops", isDaemon = true) {
                statusOfLoops(group)?.let { status ->
                    try {
                        adminServer?.close()
                    } finally {
                        exitProcess(status)
                    }
                }
            }
        }
        ending = Signals.endBy {
            val telling = connections?.let { thread(name = "draining", isDaemon = true) { tellOfDrain(it) } }
            try {
                server.close()
            } finally {
                telling?.interrupt()
                adminServer?.close() // last: a drain can be looked at
            }
            0
        }
        println("listening on $where")
        tls.told(address, client).forEach(::println)
        adminServer?.let { println("look at it by: ${it.command()}") }
        return 0
    }

    /** Lets a server be looked at, if that is wanted. */
    private fun administer(group: EventLoopGroup): AdminServer? {
        val address = admin ?: return null
        val name = spec.name().substringAfterLast(' ')
        ManagedLoops.register(group, name) // until the process ends
        val meters = listOfNotNull(
            NetparkMeters(group, name),
            NetparkMeters.of(SegmentPool.shared(), name),
            tls.made?.let { NetparkMeters.of(it, name) },
        )
        return AdminServer(address, AdminPages(group, meters)) { loops.binding.applyTo(this) }
    }

    /** Ends the server as the first signal does. After [begin]. */
    fun end(): Unit = ending()

    /** Most servers have closed before there is anything to say. */
    private fun tellOfDrain(connections: () -> Int) {
        try {
            Thread.sleep(QUIET_MILLIS)
            var told = connections()
            println(
                "draining: ${connectionsText(told)} open, for at most ${drain.toMillis() / 1000.0} s; a second signal ends at once",
            )
            while (true) {
                Thread.sleep(TELL_MILLIS)
                val now = connections()
                if (now != told) println("draining: ${connectionsText(now)} open")
                told = now
            }
        } catch (_: InterruptedException) {
            // The server has closed.
        }
    }

    private fun connectionsText(count: Int) = if (count == 1) "1 connection is" else "$count connections are"

    private companion object {
        const val QUIET_MILLIS = 300L
        const val TELL_MILLIS = 1000L
    }
}

/** Waits until the event loops have ended. Returns the exit status that they leave, or null if they have been closed. */
internal fun statusOfLoops(group: EventLoopGroup): Int? {
    group.awaitTermination(Duration.ofSeconds(Long.MAX_VALUE))
    val failure = group.failure() ?: return null
    System.err.println("the event loops are lost: $failure")
    return 1
}
