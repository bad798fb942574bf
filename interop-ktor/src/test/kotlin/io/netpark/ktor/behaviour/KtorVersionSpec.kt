package io.netpark.ktor.behaviour

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.netpark.core.testing.testClassPath

/** The specs run on the Ktor that the engine is made with, and some of them on an older one. */
class KtorVersionSpec : FunSpec({
    test("all of Ktor on the class path is of the version that this run is about") {
        val wanted = System.getProperty("netpark.test.ktor") ?: return@test // absent in an IDE
        val jars = testClassPath().split(':').map { it.substringAfterLast('/') }.filter { it.startsWith("ktor-") }
        jars.shouldNotBeEmpty()
        jars.filterNot { it.endsWith("-$wanted.jar") }.shouldBeEmpty()
    }
})
