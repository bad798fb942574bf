package io.netpark.samples.doctor

import io.netpark.core.sys.Binding
import io.netpark.core.sys.Platform
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.runBlocking
import java.io.IOException
import kotlin.time.Duration.Companion.seconds

/** What is found out by trying, with Netpark itself. Each answers why it failed, or null if it worked. */
internal interface Trials {

    fun platform(): String?

    /**
     * The binding that a value of [Binding.PROPERTY] stands for.
     *
     * @throws IllegalArgumentException if it stands for none
     */
    fun choose(property: String): Binding

    fun availability(binding: Binding): String?

    /** With the self-test of the layouts. */
    fun open(binding: Binding): String?

    /** A byte over loopback, there and back, by the default binding. */
    fun exchange(host: String): String?
}

internal object LiveTrials : Trials {

    override fun platform(): String? = try {
        Platform.requireSupported()
        null
    } catch (e: UnsupportedOperationException) {
        reason(e)
    }

    override fun choose(property: String): Binding = Binding.choose(property)

    override fun availability(binding: Binding): String? = binding.unavailability()

    override fun open(binding: Binding): String? = try {
        binding.open()
        null
    } catch (e: UnsupportedOperationException) {
        reason(e)
    } catch (e: LinkageError) {
        reason(e) // a native library that cannot be loaded
    }

    override fun exchange(host: String): String? = try {
        Reactor(loops = 1).use { reactor -> runBlocking { exchange(reactor, host) } }
        null
    } catch (e: IOException) {
        reason(e)
    }

    private suspend fun exchange(reactor: Reactor, host: String) {
        reactor.listen(host, 0).use { listener ->
            reactor.dial(listener.localAddress, timeout = PATIENCE).use { client ->
                client.readTimeout = PATIENCE
                listener.accept(PATIENCE).use { server ->
                    server.readTimeout = PATIENCE
                    client.write(byteArrayOf(PING))
                    val bytes = ByteArray(1)
                    server.read(bytes)
                    server.write(bytes)
                    bytes[0] = 0
                    client.read(bytes)
                    if (bytes[0] != PING) throw IOException("a byte came back as ${bytes[0]}, not $PING")
                }
            }
        }
    }

    /** In one line: JNA's messages have many. An error at initialization has none, but its cause does. */
    private fun reason(failure: Throwable): String =
        (generateSequence(failure) { it.cause }.firstNotNullOfOrNull { it.message } ?: "$failure")
            .trim().replace(Regex("\\s+"), " ")

    private const val PING: Byte = 42
    private val PATIENCE = 5.seconds
}
