package io.netpark.ktor.serving

import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.ktor.server.application.ApplicationCall
import io.ktor.server.request.header
import io.ktor.server.request.httpMethod
import io.ktor.server.request.receiveText
import io.ktor.server.request.uri
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.ktor.behaviour.head
import kotlinx.coroutines.runBlocking
import java.util.concurrent.CopyOnWriteArrayList

/** Calls that a program keeps beyond their ends: what they say stays, and is no other call's. */
class KeptCallsSpec : NetparkSpec(body = {

    fun keeping(test: (Server, MutableList<ApplicationCall>) -> Unit) {
        val calls = CopyOnWriteArrayList<ApplicationCall>()
        val server = serverOf {
            routing {
                get("/{name}") {
                    calls += call
                    call.response.headers.append("X-Name", call.parameters["name"]!!)
                    call.respondText("OK")
                }
                post("/{name}") {
                    calls += call
                    call.respondText(call.receiveText())
                }
            }
        }
        serving(server) { test(server, calls) }
    }

    test("requests with other paths, queries, fields and methods on one connection: each call keeps its own") {
        keeping { server, calls ->
            server.connect().use { peer ->
                val names = (1..30).map { "$it".repeat(it % 4 + 1) }
                for (name in names) {
                    peer.send(get("/$name?query=$name", "X-Field: $name"))
                    peer.answer()["X-Name"] shouldBe name
                }
                peer.send(head("POST /31?query=31 HTTP/1.1", "Host: other:81", "Content-Length: 4") + "body")
                peer.answer().text shouldBe "body"
                for ((name, call) in names.zip(calls)) {
                    call.request.uri shouldBe "/$name?query=$name"
                    call.request.queryParameters["query"] shouldBe name
                    call.request.header("x-field") shouldBe name
                    call.request.local.serverHost shouldBe "localhost"
                    call.request.httpMethod.value shouldBe "GET"
                    call.response.headers["X-Name"] shouldBe name
                }
                calls.last().request.local.run { "$serverHost:$serverPort ${method.value}" } shouldBe "other:81 POST"
            }
        }
    }

    test("a request that is the same as the one before is told by the same objects, in a call of its own") {
        keeping { server, calls ->
            server.connect().use { peer ->
                repeat(3) {
                    peer.send(get("/same", "X-Field: 1"))
                    peer.answer().text shouldBe "OK"
                }
                peer.send(get("/same", "X-Field: 2"))
                peer.answer()
                peer.send(get("/same?", "X-Field: 2"))
                peer.answer()
            }
            calls[1].request.local shouldBeSameInstanceAs calls[0].request.local
            calls[2].request.local shouldBeSameInstanceAs calls[0].request.local
            calls.distinct().size shouldBe 5
            calls.map { it.request }.distinct().size shouldBe 5
            calls.map { it.response }.distinct().size shouldBe 5
            calls.map { it.request.header("X-Field") } shouldBe listOf("1", "1", "1", "2", "2")
            calls.map { it.request.uri } shouldBe listOf("/same", "/same", "/same", "/same", "/same?")
        }
    }

    test("a request of another method or version, of the same path and fields, is not told by the same object") {
        keeping { server, calls ->
            server.connect().use { peer ->
                for (line in listOf("GET /a HTTP/1.1", "POST /a HTTP/1.1", "GET http://localhost/a HTTP/1.1", "GET /a HTTP/1.0")) {
                    peer.sendHead(line, "Host: localhost", "Content-Length: 0")
                    peer.answer().status shouldBe 200
                }
            }
            calls.map { it.request.local.run { "${method.value} $uri $version" } } shouldBe
                listOf("GET /a HTTP/1.1", "POST /a HTTP/1.1", "GET /a HTTP/1.1", "GET /a HTTP/1.0")
        }
    }

    test("an answer that is given by a call that is over goes to nobody") {
        keeping { server, calls ->
            server.connect().use { peer ->
                peer.send(get("/1"))
                peer.answer().text shouldBe "OK"
                runBlocking { runCatching { calls[0].respondText("again") } } // Ktor knows that it was answered
                peer.send(get("/2"))
                peer.answer()["X-Name"] shouldBe "2"
            }
        }
    }
})
