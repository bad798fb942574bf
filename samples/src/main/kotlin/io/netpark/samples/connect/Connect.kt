package io.netpark.samples.connect

import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Connection.Companion.END_OF_STREAM
import io.netpark.coroutines.Reactor
import io.netpark.samples.ClientTlsOptions
import io.netpark.samples.demand
import io.netpark.samples.run
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Parameters
import picocli.CommandLine.Spec
import java.io.FileDescriptor
import java.io.FileOutputStream
import java.io.InputStream
import java.io.OutputStream
import java.util.concurrent.Callable
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds

/** Standard input to a socket, the socket to standard output: a client of a server of any kind. */
@Command(
    name = "samples/run connect",
    sortOptions = false,
    description = ["Connects standard input and output to a TCP server, like netcat. The end of standard input is passed " +
        "on to the server; the program ends when the server closes the connection."],
)
private class Connect : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Mixin
    private val tls = ClientTlsOptions()

    @Parameters(index = "0", paramLabel = "HOST", description = ["A name, or an IPv4 or IPv6 address."])
    private lateinit var host: String

    @Parameters(index = "1", paramLabel = "PORT", description = ["The server's port."])
    private var port = 0

    override fun call(): Int {
        spec.demand(port in 1..65535) { "PORT must be 1 to 65535, not $port" }
        val tls = tls.make()
        Reactor(loops = 1).use { reactor ->
            runBlocking {
                reactor.dial(host, port, timeout = 10.seconds, tls = tls).use { connection ->
                    // In a scope that nobody waits for: a read of standard input cannot be interrupted, and must not keep
                    // the program from ending when the server closes. The threads of Dispatchers.IO are daemons.
                    CoroutineScope(Dispatchers.IO).launch { send(System.`in`, connection) }
                    receive(connection, FileOutputStream(FileDescriptor.out))
                }
            }
        }
        return 0
    }

    /** On a thread that may block: reading standard input does. */
    private suspend fun send(input: InputStream, connection: Connection) {
        val bytes = ByteArray(8192)
        try {
            while (true) {
                val count = input.read(bytes)
                if (count < 0) break
                connection.write(bytes, 0, count)
            }
            connection.shutdownOutput() // the server sees the end; its answer can still come
        } catch (_: NetparkException) {
            // Reading the connection finds out as well, and says so.
        }
    }

    /** On the main thread, inside runBlocking: writing to a slow terminal or pipe blocks nobody else. */
    private suspend fun receive(connection: Connection, output: OutputStream) {
        val bytes = ByteArray(8192)
        while (true) {
            val count = connection.read(bytes)
            if (count == END_OF_STREAM) break
            output.write(bytes, 0, count)
        }
    }
}

fun main(arguments: Array<String>): Unit = exitProcess(run(Connect(), arguments))
