package io.netpark.core.net.socket

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.FileName
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import java.net.URI
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.deleteExisting
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

private fun TestReactor.bindTo(kind: String, address: UnixAddress): AutoCloseable = when (kind) {
    "stream listener" -> ListenerDescriptor.listen(group, address, NetOptions.DEFAULT)
    "packet listener" -> MessageListenerDescriptor.listen(group, address, NetOptions.DEFAULT)
    else -> MessageDescriptor.bind(group.next(), address, NetOptions.DEFAULT)
}

/** The file of a unix socket's path goes with the socket, and nothing else does. */
class SocketFileSpec : NetparkSpec(body = {
    /** An old C library, in which the JDK is asked instead. */
    class WithoutStatx(real: LibC) : LibC by real {
        override fun statx(directory: Int, path: Long, flags: Int, mask: Int, statx: Long): Int = -Errno.ENOSYS
        override fun toString() = "${binding()} without statx"
    }

    val folder = tempdir("np").toPath()

    for (libc in Bindings.all + WithoutStatx(Bindings.best)) {
        for (kind in listOf("stream listener", "packet listener", "datagram socket")) {
            context("${if (libc is WithoutStatx) "$libc" else libc.binding()}, $kind") {
                fun run(body: TestReactor.(path: Path, address: UnixAddress) -> Unit) {
                    val path = Files.createTempDirectory(folder, "d").resolve("s")
                    TestReactor(Flavour(libc, Flavour.all.first().poller)).use { it.body(path, UnixAddress.path(path)) }
                }

                test("its own file is removed") {
                    run { path, address ->
                        bindTo(kind, address).use { path.exists() shouldBe true }
                        path.exists() shouldBe false
                    }
                }

                test("a successor's socket stays, and goes with the successor") {
                    run { path, address ->
                        val old = bindTo(kind, address)
                        path.deleteExisting()
                        bindTo(kind, address).use {
                            old.close()
                            path.exists() shouldBe true
                        }
                        path.exists() shouldBe false
                    }
                }

                test("a regular file, an empty folder and a link in its place stay; that it is gone is no error") {
                    run { path, address ->
                        bindTo(kind, address).use {
                            path.deleteExisting()
                            path.writeText("precious")
                        }
                        path.readText() shouldBe "precious"
                        path.deleteExisting()
                        bindTo(kind, address).use {
                            path.deleteExisting()
                            path.createDirectory()
                        }
                        path.exists() shouldBe true
                        path.deleteExisting()
                        val moved = path.resolveSibling("moved")
                        bindTo(kind, address).use {
                            Files.move(path, moved)
                            path.createSymbolicLinkPointingTo(moved) // to the very socket
                        }
                        path.exists(LinkOption.NOFOLLOW_LINKS) shouldBe true
                        path.deleteExisting()
                        moved.deleteExisting()
                        bindTo(kind, address).use { path.deleteExisting() }
                    }
                }

                test("a socket that cannot be made leaves no file") {
                    run { path, _ ->
                        val listener = object : LibC by libc {
                            override fun listen(fd: Int, backlog: Int): Int = -Errno.EADDRINUSE
                        }
                        shouldThrow<NetparkException> {
                            Bound.listening(listener, UnixAddress.path(path), Linux.SOCK_STREAM, NetOptions.DEFAULT)
                        }
                        path.exists() shouldBe false
                    }
                }
            }
        }
    }

    context("in a JVM of its own") {
        val probe = "io.netpark.core.net.socket.SocketFileProbeKt"

        for (locale in listOf("C", "POSIX", "C.UTF-8")) {
            test("a name that is not ASCII is bound, shown, and removed again, in the locale $locale") {
                val child = tempdir("np").toPath()
                ChildJvm(probe).environment("LC_ALL", locale).startedIn(child).run("name", "$child")
            }
        }

        test("a relative path is meant from the working folder of the process, not from user.dir") {
            val child = tempdir("np").toPath()
            val elsewhere = tempdir("np").toPath()
            val decoy = elsewhere.resolve("rel.sock").apply { writeText("precious") }
            ChildJvm(probe).option("-Duser.dir=$elsewhere").startedIn(child).run("relative", "$child")
            decoy.readText() shouldBe "precious"
        }
    }

    test("a name that the encoding has no bytes for is refused before anything is bound") {
        shouldThrow<IllegalArgumentException> { UnixAddress.path("/tmp/a\uD800b") }.message!! shouldContain "no file can have this name"
    }

    test("names of files that are no text come back as the bytes that they are") {
        for (name in listOf("/a/%FF%C3", "b%FF", "b%FF/c", "/%E2%82%AC", "/plain")) {
            val bytes = name.split("(?=%)".toRegex()).flatMap { part ->
                if (part.startsWith("%")) listOf(part.substring(1, 3).toInt(16).toByte()) + part.drop(3).map { it.code.toByte() }
                else part.map { it.code.toByte() }
            }.toByteArray()
            val path = FileName.path(bytes)
            FileName.bytes(path) shouldBe bytes
            if (name.startsWith("/")) path shouldBe Path.of(URI.create("file://$name"))
            UnixAddress.path(path).path() shouldBe path
        }
        val file = Files.createDirectory(FileName.path("$folder/x".toByteArray() + 0xFF.toByte()))
        FileName.bytes(file).last() shouldBe 0xFF.toByte() // of a folder, which a URI marks
    }
})
