package io.netpark.bench.engine;

import io.netpark.bench.tls.Protocol;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/** A client's and a server's engine that have shaken hands, in memory. */
final class Shaken {

    /** Room for a record of any engine, and a little more. */
    static final int RECORD = 18 * 1024;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    final SSLEngine client;
    final SSLEngine server;

    private final ByteBuffer toServer = ByteBuffer.allocate(4 * RECORD);
    private final ByteBuffer toClient = ByteBuffer.allocate(4 * RECORD);
    private final ByteBuffer clear = ByteBuffer.allocate(RECORD);

    Shaken(SSLContext clients, Supplier<SSLEngine> servers, Protocol protocol) throws SSLException {
        client = clients.createSSLEngine();
        client.setUseClientMode(true);
        client.setEnabledProtocols(new String[] {protocol.label()});
        client.setEnabledCipherSuites(new String[] {protocol.suite()});
        server = servers.get();
        client.beginHandshake();
        server.beginHandshake();
        while (moves(client, toClient, toServer) | moves(server, toServer, toClient)) {}
        if (client.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING
                || server.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
            throw new SSLException("the handshake does not go on");
        }
    }

    private boolean moves(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
        boolean moved = false;
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> engine.getDelegatedTask().run();
                case NEED_WRAP -> engine.wrap(NOTHING, out);
                default -> {
                    int before = in.position();
                    boolean wanted = engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP;
                    unwrap(engine, in);
                    // Netty's engine looks once more at what it has read already, and is done only then.
                    if (in.position() == before && !(wanted && engine.getHandshakeStatus() != HandshakeStatus.NEED_UNWRAP)) {
                        return moved;
                    }
                }
            }
            moved = true;
        }
    }

    private void unwrap(SSLEngine engine, ByteBuffer in) throws SSLException {
        in.flip();
        engine.unwrap(in, clear.clear());
        in.compact();
    }

    /** One record from a client to its server and back. */
    void echo(byte[] bytes) throws SSLException {
        carry(client, server, bytes);
        carry(server, client, bytes);
    }

    private void carry(SSLEngine from, SSLEngine to, byte[] bytes) throws SSLException {
        require(from.wrap(ByteBuffer.wrap(bytes), toServer.clear()));
        require(to.unwrap(toServer.flip(), clear.clear()));
    }

    static void require(SSLEngineResult result) {
        if (result.getStatus() != SSLEngineResult.Status.OK) {
            throw new IllegalStateException(result.toString());
        }
    }
}
