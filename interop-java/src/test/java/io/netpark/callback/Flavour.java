package io.netpark.callback;

import io.netpark.core.testing.tls.Authority;
import io.netpark.core.testing.tls.Identity;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** What connections are made of: the contracts of plain ones hold for those with TLS as well. The other end is the JDK's own. */
public enum Flavour {
    PLAIN(null),
    TLS_1_2("TLSv1.2"),
    TLS_1_3("TLSv1.3");

    public static final Authority AUTHORITY = Authority.root("Netpark tests");
    public static final Identity IDENTITY = AUTHORITY.issue("localhost", "server.test", "db.internal", "127.0.0.1", "::1");

    private static volatile Flavour current = PLAIN;
    private static final SSLContext CONTEXT = context();

    private final @Nullable String protocol;
    private @Nullable ServerTls server;
    private @Nullable ClientTls client;

    Flavour(@Nullable String protocol) {
        this.protocol = protocol;
    }

    /** That of the tests that run now. */
    public static Flavour current() {
        return current;
    }

    /** For the tests that follow. */
    public static void use(Flavour flavour) {
        current = flavour;
    }

    private static SSLContext context() {
        try {
            KeyStore keys = IDENTITY.keyStore("server", "secret");
            KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("PKIX");
            keyManagers.init(keys, "secret".toCharArray());
            TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
            trust.init(AUTHORITY.trustStore());
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keyManagers.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    public boolean isTls() {
        return protocol != null;
    }

    /** Null for plain ones. */
    public synchronized @Nullable ServerTls serverTls() {
        if (server == null && protocol != null) {
            server = ServerTls.builder().certificate(IDENTITY.chain(), IDENTITY.key()).protocols(protocol).build();
        }
        return server;
    }

    /** Null for plain ones. */
    public synchronized @Nullable ClientTls clientTls() {
        if (client == null && protocol != null) {
            client = ClientTls.builder().trust(List.of(AUTHORITY.certificate())).protocols(protocol).build();
        }
        return client;
    }

    public CallbackServer.Builder server() {
        CallbackServer.Builder builder = CallbackServer.builder();
        return protocol == null ? builder : builder.tls(serverTls());
    }

    public CallbackClient.Builder client() {
        CallbackClient.Builder builder = CallbackClient.builder();
        return protocol == null ? builder : builder.tls(clientTls());
    }

    /** The JDK's end of a connection to a server of this flavour; both have ended the handshake. */
    public Socket wrap(Socket plain) throws IOException {
        if (protocol == null) {
            return plain;
        }
        SSLSocket secured = (SSLSocket) CONTEXT.getSocketFactory()
                .createSocket(plain, plain.getInetAddress().getHostAddress(), plain.getPort(), true);
        secured.setEnabledProtocols(new String[] {protocol});
        secured.startHandshake();
        if (this == TLS_1_3) {
            awaitTickets(plain);
        }
        return new SecuredSocket(plain, secured);
    }

    /** A client has ended its handshake before the server has, which sends tickets then. */
    private static void awaitTickets(Socket plain) throws IOException {
        InputStream in = plain.getInputStream();
        long end = System.nanoTime() + Support.TIMEOUT_MILLIS * 1_000_000L;
        while (in.available() == 0) {
            if (System.nanoTime() > end) {
                throw new SocketTimeoutException("the server has not ended its handshake");
            }
            LockSupport.parkNanos(100_000);
        }
    }

    /** What is below TLS, or the same. */
    public static Socket below(Socket socket) {
        return socket instanceof SecuredSocket secured ? secured.below() : socket;
    }

    /** The JDK's keys, and those whom it trusts: of the same authority. */
    static SSLContext jdk() {
        return CONTEXT;
    }
}
