package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.Job

/** The specs run on the newest version of kotlinx.coroutines that is promised, and some of them on the oldest. */
class CoroutinesVersionSpec : NetparkSpec(body = {
    test("the version of kotlinx.coroutines on the class path is the one that this run is about") {
        val found = Job::class.java.getResource("/META-INF/kotlinx_coroutines_core.version")!!.readText().trim()
        println("Tested on kotlinx.coroutines $found, JDK ${Runtime.version().feature()}")
        val jar = Job::class.java.protectionDomain.codeSource.location.path
        jar.substringAfterLast('/') shouldBe "kotlinx-coroutines-core-jvm-$found.jar"
        System.getProperty("netpark.test.coroutines")?.let { found shouldBe it } // absent in an IDE
    }
})
