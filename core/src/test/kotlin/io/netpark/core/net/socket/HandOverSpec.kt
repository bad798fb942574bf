package io.netpark.core.net.socket

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.temporaryPath
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

/** Answers each connection with the name of the process, until the listener is closed. */
internal fun answerAll(listener: BlockingListener, name: String, served: AtomicInteger) {
    while (true) {
        val connection = try {
            listener.accept()
        } catch (_: io.netpark.core.sys.NetparkException.Closed) {
            return
        }
        connection.use {
            it.readText(1)
            it.write(name)
            served.incrementAndGet()
        }
    }
}

internal fun BlockingConnection.pass(descriptor: OpenDescriptor) {
    val byte = ByteBuffer.allocate(1)
    connection.perform(
        Direction.WRITE, { connection.startWriteDescriptors(byte, descriptor) }, { connection.retryWriteDescriptors(byte, descriptor) },
    )
}

internal fun BlockingConnection.receivePassed(): OpenDescriptor = PassedDescriptors(1).use { passed ->
    val byte = ByteBuffer.allocate(1)
    connection.perform(
        Direction.READ, { connection.startReadDescriptors(byte, passed) }, { connection.retryReadDescriptors(byte, passed) },
    )
    passed.take().single()
}

class HandOverSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        test("${libc.binding()}: a server is succeeded by another process under load, and no connection is lost") {
            TestReactor(libc, loops = 2).use { reactor ->
                val path = temporaryPath()
                val served = AtomicInteger()
                val answers = ConcurrentLinkedQueue<String>()
                val failures = ConcurrentLinkedQueue<Throwable>()
                val handOver = BlockingListener(
                    ListenerDescriptor.listen(reactor.group, UnixAddress.path(path), NetOptions.DEFAULT),
                )
                val listener = reactor.listen()
                val address: InetSocketAddress = listener.address
                val old = async { answerAll(listener, "o", served) }
                val successor = async { ChildJvm("io.netpark.core.net.socket.HandOverProbeKt", libc.binding()).run("$path") }
                val clients = List(4) {
                    async {
                        while (answers.count { it == "n" } < 200 && failures.isEmpty()) {
                            try {
                                Socket(address.address, address.port).use { client ->
                                    client.getOutputStream().write(1)
                                    answers += String(client.getInputStream().readNBytes(1)).ifEmpty { error("no answer") }
                                }
                            } catch (e: Throwable) {
                                failures += e
                            }
                        }
                    }
                }
                handOver.use {
                    handOver.accept().use { next ->
                        eventually { served.get() shouldBeGreaterThan 50 }
                        listener.listener.duplicate().use { next.pass(it) }
                        next.readText(1) // it accepts, as this one does
                        listener.close()
                        old.result()
                        clients.forEach { it.result() }
                        next.write("!")
                    }
                }
                failures.shouldBeEmpty()
                answers.count { it == "o" } shouldBe served.get()
                successor.result().trim().toInt() shouldBe answers.count { it == "n" }
            }
        }
    }
})
