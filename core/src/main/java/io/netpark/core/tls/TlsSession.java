package io.netpark.core.tls;

import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.StandardConstants;
import org.jspecify.annotations.Nullable;

/**
 * What a handshake has agreed on. Immutable.
 *
 * <p>Whether a session was {@code resumed}, engines do not say. With engines of the JDK whose certificates Netpark has read it
 * is known, as no certificate is chosen or checked then. For others it is concluded from the time at which the session was
 * made, which is before this handshake if it was resumed: within a second of that time the answer may be no where it should be
 * yes, and a system clock that is set back may turn it around.
 *
 * @param protocol such as {@code TLSv1.3}
 * @param cipherSuite such as {@code TLS_AES_128_GCM_SHA256}
 * @param applicationProtocol what was negotiated by ALPN; null if nothing was
 * @param serverName the name that the client asked for by SNI; null if it did not
 * @param peerCertificates the peer's chain, leaf first; empty if it has sent none
 * @param resumed whether an earlier session was resumed, in which case no certificates were sent, and those here are of that
 *     session
 * @param handshake how long the handshake took
 */
public record TlsSession(
        String protocol,
        String cipherSuite,
        @Nullable String applicationProtocol,
        @Nullable String serverName,
        List<X509Certificate> peerCertificates,
        boolean resumed,
        Duration handshake) {

    private static final long MILLIS_A_SECOND = 1000;

    /** How far behind the clock may be that engines in native code ask: a tick of the kernel. */
    private static final long COARSE_MILLIS = 20;

    /** Copies the list. */
    public TlsSession {
        peerCertificates = List.copyOf(peerCertificates);
    }

    /**
     * That of an engine whose handshake has just ended.
     *
     * @param handshake how long it took since the engine was made
     */
    public static TlsSession of(Tls tls, SSLEngine engine, Duration handshake) {
        SSLSession session = engine.getSession();
        String application = applicationProtocol(engine);
        return new TlsSession(
                session.getProtocol(),
                session.getCipherSuite(),
                application == null || application.isEmpty() ? null : application,
                tls instanceof ServerTls ? Negotiation.requestedName(engine) : sentName(engine),
                peerCertificates(session),
                resumed(engine, session, handshake),
                handshake);
    }

    private static @Nullable String applicationProtocol(SSLEngine engine) {
        try {
            return engine.getApplicationProtocol();
        } catch (UnsupportedOperationException e) {
            return null; // an engine that does not know ALPN
        }
    }

    private static @Nullable String sentName(SSLEngine engine) {
        List<SNIServerName> names = engine.getSSLParameters().getServerNames();
        if (names != null) {
            for (SNIServerName name : names) {
                if (name.getType() == StandardConstants.SNI_HOST_NAME) {
                    return Negotiation.text(name);
                }
            }
        }
        return null;
    }

    private static List<X509Certificate> peerCertificates(SSLSession session) {
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            for (Certificate certificate : session.getPeerCertificates()) {
                if (certificate instanceof X509Certificate x509) {
                    certificates.add(x509);
                }
            }
        } catch (SSLPeerUnverifiedException e) {
            // It has sent none.
        }
        return certificates;
    }

    private static boolean resumed(SSLEngine engine, SSLSession session, Duration handshake) {
        Boolean known = Negotiation.hasResumed(engine);
        if (known != null) {
            return known;
        }
        // Some engines count in seconds, so all are taken to. A session of this handshake is made in its course, not before it.
        long begun = System.currentTimeMillis() - handshake.toMillis() - COARSE_MILLIS;
        return session.getCreationTime() / MILLIS_A_SECOND < begun / MILLIS_A_SECOND;
    }
}
