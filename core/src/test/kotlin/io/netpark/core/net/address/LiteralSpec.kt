package io.netpark.core.net.address

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.result
import java.net.Inet4Address
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnknownHostException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue

/** What is an address is read here; what is none is never looked up on an event loop. */
class LiteralSpec : NetparkSpec(body = {
    test("literals are what the JDK reads of them") {
        for (text in listOf(
            "127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "fe80::1", "2001:DB8::8:800:200c:417a", "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.1.2.3", "1:2:3:4:5:6:1.2.3.4",
            "[::1]", "[fe80::2]", "fe80::1%3", "[fe80::1%3]",
        )) {
            withClue(text) {
                val parsed = Literal.parse(text)!!
                val jdk = InetAddress.getByName(text)
                parsed shouldBe jdk
                (parsed as? Inet6Address)?.scopeId shouldBe (jdk as? Inet6Address)?.scopeId
            }
        }
        (Literal.parse("::ffff:10.0.0.1") is Inet4Address) shouldBe true
    }

    test("what only looks like a literal is none") {
        for (text in listOf(
            "", ":", ":::", "1", "127.1", "redis:6379", "localhost:80", "db:5432", "10.0.0.1:80", "[::1]:80", "[::1", "::1]", "[]",
            "[127.0.0.1]", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7:8::", "12345::", "::g", "::1.2.3",
            "1.2.3.4::", "1.2.3.4::1", "::1.2.3.4:1", "::256.1.1.1", "fe80::1%", "%eth0", "a%b", "1:2:3:4:5:6:7:1.2.3.4", "::\u0661", "face", "cafe:",
        )) withClue(text) { Literal.parse(text) shouldBe null }
    }

    test("an address of an interface that is not there says so, and one of an interface that is has its number") {
        shouldThrow<UnknownHostException> { Literal.parse("fe80::1%nowhere0") }.message!! shouldContain "nowhere0"
        (Literal.parse("::1%lo") as Inet6Address).scopedInterface.name shouldBe "lo"
    }

    test("a host with a colon is looked up by the dialer's resolver, or told to have a port in it; the loop goes on meanwhile") {
        TestReactor().use { reactor ->
            val asked = ConcurrentLinkedQueue<String>()
            val dialer = Dialer.of(reactor.group).withResolver { asked += it; CompletableFuture.failedFuture(UnknownHostException(it)) }
            for (host in listOf("redis:6379", "localhost:80", "10.0.0.1:80", "[::1]:80")) {
                val message = shouldThrow<NetparkException.UnknownHost> { dialer.await(host, 6379) }.message!!
                message shouldContain "give host and port apart, as \"${host.substringBeforeLast(':')}\" and"
                shouldThrow<NetparkException.UnknownHost> { dialer.await(InetSocketAddress.createUnresolved(host, 6379)) }
            }
            asked.toList() shouldBe listOf()
            val odd = listOf("a:b", "face:", "1::2::3", "[::1", "[127.0.0.1]", "::ffff:127.1", "http://redis:6379/")
            for (host in odd) shouldThrow<NetparkException.UnknownHost> { dialer.await(host, 6379) }
            asked.toList() shouldBe odd
        }
    }

    test("an address to listen on is a literal or looked up, never on an event loop, and has its port apart") {
        ListenerDescriptor.addressOf("::1", 80) shouldBe InetSocketAddress("::1", 80)
        ListenerDescriptor.addressOf("localhost", 80).address.isLoopbackAddress shouldBe true
        shouldThrow<IllegalArgumentException> { ListenerDescriptor.addressOf("localhost:80", 80) }.message!! shouldContain "apart"
        shouldThrow<NetparkException.UnknownHost> { ListenerDescriptor.addressOf("no.such.host.invalid", 80) }
            .message!! shouldContain "listen on no.such.host.invalid:80: no address is known of no.such.host.invalid: "
        TestReactor().use { reactor ->
            async {
                CompletableFuture.runAsync({
                    ListenerDescriptor.addressOf("127.0.0.1", 80).address.isLoopbackAddress shouldBe true
                    ListenerDescriptor.addressOf("LocalHost", 80).address.isLoopbackAddress shouldBe true
                    shouldThrow<IllegalStateException> { ListenerDescriptor.addressOf("some.name", 80) }.message!! shouldContain "event loop"
                }, reactor.loop).get()
            }.result()
        }
    }
})
