package io.netpark.core.tls

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import java.security.PrivateKey
import java.util.concurrent.atomic.AtomicInteger

/** Among many certificates, as a server of many names has them. */
class KeyChoiceSpec : NetparkSpec(body = {

    class Key(private val kind: String, private val comparisons: AtomicInteger) : PrivateKey {
        override fun getAlgorithm() = kind

        override fun getFormat(): String? = null

        override fun getEncoded(): ByteArray? = null

        override fun equals(other: Any?): Boolean {
            comparisons.incrementAndGet()
            return this === other
        }

        override fun hashCode() = 0
    }

    test("a handshake compares no certificates and no keys, however many there are") {
        val comparisons = AtomicInteger()
        val chain = Authority.root("Root").issue("server.test").chain()
        val many = List(1000) { Identity(chain, Key(if (it == 900) "RSA" else "EC", comparisons), setOf("server.test"), "a test") }
        val choice = KeyChoice(many)
        val alias = choice.chooseServerAlias("RSA", null, null)!!
        (choice.getPrivateKey(alias) === many[900].key()) shouldBe true
        choice.getCertificateChain(alias)!!.toList() shouldBe chain
        (choice.getPrivateKey(choice.chooseClientAlias(arrayOf("RSA"), null, null)!!) === many[900].key()) shouldBe true
        comparisons.get() shouldBe 0
    }

    test("an alias of before a reload is good for the handshakes that have it, and one of before two is not") {
        val chain = Authority.root("Root").issue("server.test").chain()
        fun identity() = Identity(chain, Key("EC", AtomicInteger()), setOf("server.test"), "a test")
        val first = identity()
        val second = identity()
        val choice = KeyChoice(listOf(first))
        val alias = choice.chooseServerAlias("EC", null, null)!!
        choice.replace(listOf(second))
        (choice.getPrivateKey(alias) === first.key()) shouldBe true
        (choice.getPrivateKey(choice.chooseServerAlias("EC", null, null)!!) === second.key()) shouldBe true
        choice.replace(listOf(identity()))
        choice.getPrivateKey(alias) shouldBe null
    }
})
