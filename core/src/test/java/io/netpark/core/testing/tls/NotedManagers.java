package io.netpark.core.testing.tls;

import io.netpark.core.loop.EventLoop;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A key manager and a trust manager of the JDK that note whether they are called by an event loop: such managers may ask a
 * directory.
 */
public final class NotedManagers {

    private final X509ExtendedKeyManager keys;
    private final X509ExtendedTrustManager trust;
    private final Set<String> onLoop = ConcurrentHashMap.newKeySet();
    private final Set<String> elsewhere = ConcurrentHashMap.newKeySet();

    /** Those of one who shows this certificate, and trusts this authority. */
    public NotedManagers(Identity shown, Authority trusted) {
        try {
            KeyManagerFactory keyFactory = KeyManagerFactory.getInstance("PKIX");
            keyFactory.init(shown.keyStore("own", "secret"), "secret".toCharArray());
            keys = (X509ExtendedKeyManager) keyFactory.getKeyManagers()[0];
            TrustManagerFactory trustFactory = TrustManagerFactory.getInstance("PKIX");
            trustFactory.init(trusted.trustStore());
            trust = new GenericKeysTrust((X509ExtendedTrustManager) trustFactory.getTrustManagers()[0]);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The JDK's, with both of them. */
    public SSLContext context() {
        return context(null);
    }

    /** With both of them, of this provider; null for the JDK's. */
    public SSLContext context(@Nullable Provider provider) {
        try {
            SSLContext context = provider == null ? SSLContext.getInstance("TLS") : SSLContext.getInstance("TLS", provider);
            context.init(new KeyManager[] {keyManager()}, new TrustManager[] {trustManager()}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public X509ExtendedKeyManager keyManager() {
        return new Keys();
    }

    public X509ExtendedTrustManager trustManager() {
        return new Trust();
    }

    /** What event loops have called: {@code key} for choosing it, {@code trust} for checking the peer's certificate. */
    public Set<String> onLoop() {
        return Set.copyOf(onLoop);
    }

    /** What other threads have called. */
    public Set<String> elsewhere() {
        return Set.copyOf(elsewhere);
    }

    private void note(String what) {
        (EventLoop.current() == null ? elsewhere : onLoop).add(what);
    }

    private final class Keys extends X509ExtendedKeyManager {

        @Override
        public String[] getClientAliases(String type, Principal @Nullable [] issuers) {
            return keys.getClientAliases(type, issuers);
        }

        @Override
        public String chooseClientAlias(String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return keys.chooseClientAlias(types, issuers, socket);
        }

        @Override
        public String chooseEngineClientAlias(String[] types, Principal @Nullable [] issuers, SSLEngine engine) {
            note("key");
            return keys.chooseEngineClientAlias(types, issuers, engine);
        }

        @Override
        public String[] getServerAliases(String type, Principal @Nullable [] issuers) {
            return keys.getServerAliases(type, issuers);
        }

        @Override
        public String chooseServerAlias(String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return keys.chooseServerAlias(type, issuers, socket);
        }

        @Override
        public String chooseEngineServerAlias(String type, Principal @Nullable [] issuers, SSLEngine engine) {
            note("key");
            return keys.chooseEngineServerAlias(type, issuers, engine);
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            note("key");
            return keys.getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            note("key");
            return keys.getPrivateKey(alias);
        }
    }

    private final class Trust extends X509ExtendedTrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            trust.checkClientTrusted(chain, type, socket);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            trust.checkServerTrusted(chain, type, socket);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
            note("trust");
            trust.checkClientTrusted(chain, type, engine);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
            note("trust");
            trust.checkServerTrusted(chain, type, engine);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            trust.checkClientTrusted(chain, type);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            trust.checkServerTrusted(chain, type);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return trust.getAcceptedIssuers();
        }
    }
}
