<?php
/**
 * A newsroom in plain PHP: who is signed in publishes, and reads what is private.
 *
 *     export FEEDSVC_SECRET=…  # the service's own
 *     export SITE_PASSWORD=…   # what the staff sign in with
 *     php -S 127.0.0.1:5000 -t examples/newsroom/static examples/newsroom/in_php/index.php
 */
declare(strict_types=1);
require __DIR__ . '/feed.php';

const CHANNELS = ['radio.news' => 'Everybody', 'radio.staff' => 'The staff'];
const STAFF = 'radio.staff';

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (in_array($path, ['/page.css', '/staff.js'], true)) {
    return false; // the server sends these itself
}
if (!in_array($path, ['/', '/sign-in', '/sign-out', '/publish', '/token'], true)) {
    http_response_code(404);
    exit('There is no such page.');
}

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'use_strict_mode' => true]);
$_SESSION['csrf'] ??= bin2hex(random_bytes(16));
$user = $_SESSION['user'] ?? null;
$field = fn(string $name): string => is_string($_POST[$name] ?? null) ? $_POST[$name] : '';
$error = '';
$text = '';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if (!hash_equals($_SESSION['csrf'], $field('csrf'))) {
        http_response_code(403);
        $error = 'This form is too old: please try again.';
    } elseif ($path === '/sign-in') { // stands in for the login that a site has
        if (hash_equals(getenv('SITE_PASSWORD'), $field('password'))) {
            session_regenerate_id(true);
            $_SESSION['user'] = $field('name');
            go_home();
        }
        http_response_code(403);
        $error = 'That is not the password.';
    } elseif ($path === '/sign-out') {
        session_destroy();
        go_home();
    } elseif ($user === null) {
        http_response_code(403);
        $error = 'Sign in first.';
    } elseif ($path === '/publish') {
        $text = $field('text');
        $item = ['type' => 'post', 'content_text' => $text, 'authors' => [['name' => $user]]];
        $token = feed_token($user, ['publish' => array_keys(CHANNELS)]);
        $error = feed_publish($token, $field('channel'), $item);
        if ($error === '') {
            go_home();
        }
        http_response_code(502);
    }
} elseif ($path === '/token') { // the page's next token, when its own has expired
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    http_response_code($user === null ? 403 : 200);
    exit(json_encode($user === null
        ? ['error' => 'sign in first']
        : ['token' => feed_token($user, ['read' => [STAFF]])]));
}

function go_home(): never
{
    header('Location: /', true, 303);
    exit;
}

$escaped = fn(string $value): string => htmlspecialchars($value, ENT_QUOTES);
require __DIR__ . '/page.php';
