package io.netpark.bench.load;

import io.netpark.bench.tls.Anybody;
import io.netpark.bench.tls.Protocol;
import io.netpark.core.memory.NativeMemory;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;

/**
 * Where the generator's connections have their engines from: Netty's OpenSSL, the cheapest there is. They trust anybody, and begin
 * new sessions or resume those that they had with the same server.
 */
final class TlsClients {

    /** Of records to be sent: as many as bytes that are sent at once fill, and room for the next. */
    private static final int OUT = Requester.slice() + (Requester.slice() >> 4) + TlsWire.RECORD;
    /** Of records received: no more than {@link Traffic#received} has room for. */
    static final int IN = 128 * 1024;

    private final Anybody trust = new Anybody();
    private final Protocol protocol;
    private final boolean resuming;
    private final SslContext context;
    private long begun;
    private long checkedBefore;

    /** For all wires, as each sends and reads to the end. */
    final NativeMemory out = NativeMemory.allocate(OUT);
    final NativeMemory in = NativeMemory.allocate(TlsWire.RECORD + IN);

    TlsClients(Protocol protocol, boolean resuming) throws SSLException {
        this.protocol = protocol;
        this.resuming = resuming;
        this.context = SslContextBuilder.forClient()
                .sslProvider(SslProvider.OPENSSL_REFCNT)
                .protocols(protocol.label())
                .ciphers(List.of(protocol.suite()))
                .trustManager(trust)
                .endpointIdentificationAlgorithm(null)
                .build();
    }

    SSLEngine engine(InetSocketAddress server) {
        begun++;
        // Sessions are kept by the name and the port.
        return resuming ? context.newEngine(ByteBufAllocator.DEFAULT, server.getHostString(), server.getPort())
                : context.newEngine(ByteBufAllocator.DEFAULT);
    }

    /** All servers have to agree on the same, or they would not be compared in the same. */
    void check(SSLEngine engine) throws LoadFailure {
        if (!engine.getSession().getCipherSuite().equals(protocol.suite())) {
            throw new LoadFailure("the server has chosen " + engine.getSession().getCipherSuite() + ", not " + protocol.suite());
        }
    }

    void begin() {
        begun = 0;
        checkedBefore = trust.checks();
    }

    /** A certificate is checked in a handshake that resumes nothing, and in no other. The first are always new. */
    void checkResumption(int atATime) throws LoadFailure {
        long anew = trust.checks() - checkedBefore;
        if (resuming ? anew > 2L * atATime + begun / 50 : anew < begun) {
            throw new LoadFailure("of " + begun + " handshakes " + anew + " were not resumed");
        }
    }

    /** For the page that is asked for once, before. */
    Socket socket(InetSocketAddress server) throws java.io.IOException {
        try {
            SSLContext jdk = SSLContext.getInstance("TLS");
            jdk.init(null, new TrustManager[] {new Anybody()}, null);
            return jdk.getSocketFactory().createSocket(server.getAddress(), server.getPort());
        } catch (GeneralSecurityException e) {
            throw new LoadFailure(e.toString());
        }
    }

    void release(SSLEngine engine) {
        ReferenceCountUtil.release(engine);
    }
}
